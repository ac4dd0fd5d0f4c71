import lxc_preflight

lxc_preflight.enable_imports()
