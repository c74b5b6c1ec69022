"""What keeps running: ``serve``, ``up`` with its supervisor, and Airflow beside it."""
