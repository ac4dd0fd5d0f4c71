"""The bundled runner: gate, plan, execute.

`gate.py`, `plan.py` and `config.py` decide and touch nothing; `execute.py` is the only place that
starts a container. Everything is done by calling lxc-create, lxc-start and their like: the binding
to liblxc cannot be interrupted and loses the reasons of failures.
"""
