"""The serving layer: both views merged into one answer, by command and by HTTP. The only layer that reads both."""
