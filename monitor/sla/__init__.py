"""Stage 6: SLA clocks. Pure: everything follows from the flow, the trace's steps and the watermark."""
