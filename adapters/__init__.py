"""What Millrace talks to: settings, the log, the lake, Spark and the view stores."""
