"""Screen 7: model servers, their models and what they are asked."""
