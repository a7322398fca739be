"""Load time: BPMN XML -> document -> flow.

``read`` (the only user of lxml) -> ``document`` -> ``validate`` -> ``compile`` -> ``flow``.
"""
