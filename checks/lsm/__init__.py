"""Security modules: does the profile that the container asks for exist, and may it be entered?"""
