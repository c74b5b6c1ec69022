"""The page for people: files under ``static`` that a browser runs as they are, without a build step.

``files`` reads them from the package, names them all by one hash of their contents and keeps them compressed. What
the page shows comes from ``/api/v1``; nothing here knows a store or an answer. ``static/vendor`` holds what others
wrote, each as it was published, with its licence and its checksum in ``vendored.json``.
"""
