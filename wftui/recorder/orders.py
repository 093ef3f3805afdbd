"""Requests that change something and take their time: answered beside the others, as questions are."""

from wftui.wire import messages as m

Order = m.SetSource | m.Purge
