"""What runs inside the sandbox, next to the model-written program.

The folder is bound into the sandbox and imported there by the bare interpreter, so its modules use
nothing but the standard library and each other, and import as little of it as they can.
"""
