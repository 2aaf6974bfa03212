"""What `schemas/build.py` is made of: from the sources in `schemas/v1` to the documents that are published."""
