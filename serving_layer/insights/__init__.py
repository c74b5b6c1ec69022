"""Insights as answers: which hours are asked for, their merged counters, and what ``core.insights`` says of them."""
