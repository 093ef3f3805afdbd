"""Requests that change something or take their time: answered beside the others, as questions are."""

from wftui.wire import messages as m

Order = m.SetSource | m.Purge | m.Inspect | m.Renice
