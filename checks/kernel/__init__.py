"""The kernel: its release, its build options, its modules and its command line."""
