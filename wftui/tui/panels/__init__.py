"""The panels: each turns the model into the lines of its inside; the frame around them is not theirs."""
