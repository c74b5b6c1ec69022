"""Which role a request needs, by its method and its path as it was sent."""

from core.access.keys import ADMIN, READ, WRITE

GUARDED = ("/api", "/metrics")  # what lies elsewhere is the same for everybody: the description, the page's files
OPEN = {"/health", "/ready", "/api/v1/health", "/api/v1/ready"}  # probes have no key
ADMIN_POSTS = {"/api/v1/generations/active", "/api/v1/verify"}
READING_POSTS = ("/api/v1/recommendations", "/api/recommendations", "/api/v1/similar", "/api/v1/batch/")

LISTS = "lists"  # of a user: deleting one is no more than changing it


def role_needed(method: str, path: str) -> str | None:
    """Return the role, None where no key is asked for."""
    if not path.startswith(GUARDED) or path in OPEN or method == "OPTIONS":
        return None
    if method == "DELETE" and path.split("/")[5:6] == [LISTS]:
        return WRITE
    if method == "DELETE" or (method == "POST" and path in ADMIN_POSTS):
        return ADMIN
    if method in ("GET", "HEAD") or (method == "POST" and path.startswith(READING_POSTS)):
        return READ
    return WRITE
