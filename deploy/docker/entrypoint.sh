#!/bin/sh
# Compiled code lies in the image. Where the image cannot be written, as in Kubernetes, numba gets a copy that can.
if [ ! -w /opt/numba ] && [ -d /opt/numba ]; then
    cp -r /opt/numba /tmp/numba 2>/dev/null
    export NUMBA_CACHE_DIR=/tmp/numba
fi
exec millrace "$@"
