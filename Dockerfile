# syntax=docker/dockerfile:1

# The wheel and, from the lock, everything it needs, in a virtual environment of its own.
FROM python:3.13.7-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/choreoscope \
 && /opt/choreoscope/bin/pip install --require-hashes --no-deps -r requirements.lock \
 && pip install --require-hashes --no-deps -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY alembic alembic
COPY models models
COPY templates templates
COPY monitor monitor
RUN python -m hatchling build -t wheel -d /dist \
 && /opt/choreoscope/bin/pip install --no-deps --no-index /dist/*.whl \
 && /opt/choreoscope/bin/python -m compileall -q /opt/choreoscope/lib \
 && /opt/choreoscope/bin/choreoscope --version

FROM python:3.13.7-slim-bookworm
LABEL org.opencontainers.image.title="Choreoscope" \
      org.opencontainers.image.description="Passive monitor for event-driven landscapes" \
      org.opencontainers.image.licenses="Apache-2.0"
# The words in the pictures of mails are written with it.
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent choreoscope
COPY --from=build /opt/choreoscope /opt/choreoscope
ENV PATH=/opt/choreoscope/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CHOREOSCOPE_CONFIG=/etc/choreoscope/choreoscope.yaml
USER 10001:10001
EXPOSE 8321
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8321/livez', timeout=4)"]
ENTRYPOINT ["choreoscope"]
CMD ["run"]
