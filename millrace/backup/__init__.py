"""The commands ``backup`` and ``restore``: everything of an installation that lies on this machine, in one file.

``parts`` says what lies here and what elsewhere, ``rest`` keeps everything still meanwhile, ``archive`` is the file's
form, ``saving`` fills it and ``restoring`` makes a home of it, once all of it has been checked.
"""
