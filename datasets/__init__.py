"""Where events come from: public data sets in their own formats, and a generator with a planted truth."""
