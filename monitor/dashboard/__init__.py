"""Stage 10: what people and programs see over HTTP.

``app.create_app`` puts the Starlette application together; ``pages`` are the HTML pages, ``api`` their JSON
twins, ``receive`` takes events in, ``live`` tells open pages that something changed. Everything is read
through :class:`monitor.storage.views.Views`.
"""
