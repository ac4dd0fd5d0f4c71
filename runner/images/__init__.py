"""Images: what a server has, fetched and verified here, and unpacked by lxc-create -t local.

lxc-create -t download has no lock, no check sum and no time limit, and poisons its own cache:
a file that was cut off fails for ever. So the fetching is done here.
"""
