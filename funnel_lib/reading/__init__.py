"""Any export as one checked `EventLog`."""
