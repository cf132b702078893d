"""Checkpoints, photos and people of strangers, checked before they take up memory or a page.

Of a checkpoint, size and sha256 come first, then the manifest entry value by value. Its network is
built without memory and compared with the names and shapes in the file's header; only if all agree,
weights are loaded and look at one picture.
"""
