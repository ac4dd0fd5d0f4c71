"""Where containers are kept: the way there, who may pass and write, and what the file system can
do.
"""
