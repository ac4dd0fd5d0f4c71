"""Truth: break a working host in one way, let a real container judge what the audit predicted.

`python -m tests.truth` needs root, lxc, uidmap, acl and a static busybox. Every case runs in
private mount, network and pid namespaces with overlays over /etc, /usr and /var and a tmpfs over
/home and /run: the machine stays as it was. docs/truth.md tells what is measured.
"""
