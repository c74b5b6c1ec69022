"""What looks like an item, or like a picture that somebody sends: answers from the published index of pictures.

``eye`` opens the index and the network once for a process, ``answers`` are those of HTTP and commands, and ``cli`` has
the command ``similar-image``. Pictures belong to no generation; what is hidden or deleted leaves these lists, too.
"""
