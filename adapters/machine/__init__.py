"""What this machine provides: child processes that end with their parent, Java, its libraries, compiled code."""
