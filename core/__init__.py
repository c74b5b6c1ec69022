"""What Millrace computes, pure: parsing, the fold and its slow twin, scores, merge. No I/O, no clock, no engine."""
