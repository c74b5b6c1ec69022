"""What more than one test module uses, one subject per module.

Servers and proxies before them, small installations of both layers, streams of events, slow twins, and ways to wait for
a condition. A module here holds no tests. A test module imports from here and from no other test module.
"""
