"""python server.py: serve as the environment says."""

import os
import sys

from dhq_auth.serving import serve

if __name__ == "__main__":
    sys.exit(serve(os.environ))
