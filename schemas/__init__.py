"""The contracts: what an event, a view, a generation and a control record are. Imports no other package of ours."""
