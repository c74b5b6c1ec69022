"""What this machine provides: child processes that end with their parent, Java and its libraries, compiled code."""
