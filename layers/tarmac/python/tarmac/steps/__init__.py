"""What happens to a task, one step a module, named as the functions and states are.

accept → submit → poll (again and again) → finish        cancel: from outside, in any state
"""
