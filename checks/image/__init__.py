"""Templates and images: what lxc-create needs to fill a root file system."""
