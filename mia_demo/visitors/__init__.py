"""Checkpoints of strangers, looked through before anything of them takes up memory or a page.

Size and sha256 come first, then the manifest entry value by value. Networks are built without
memory and compared with the names and shapes in the file's header; only if all agree, weights are
loaded and look at one picture.
"""
