"""What commands share: errors as sentences, options, progress, and tables that show stored text safely."""
