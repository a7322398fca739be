"""The passes of compiling, in order: each takes the draft one step on.

``unfold`` writes loops and calls out in the document itself; then
``nodes`` (with ``kinds``, ``labels``) -> ``arcs`` -> ``pools`` -> ``catching`` ->
``splits`` -> ``starts`` -> ``joins``.
"""
