"""What a record on the log means: strict parsing by row and by column, partitions, catalogue records, remedies."""
