"""The folder is the list: every check below it takes part."""
