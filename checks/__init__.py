"""One question = one small file = one id. The folder is the list: nothing else registers one."""
