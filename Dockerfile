# Pinned to a Python release on a Debian release; constraints.txt pins everything above it.
ARG PYTHON=python:3.11.13-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
RUN python -m venv /opt/exporter \
 && mkdir /var/lib/error-budget-exporter
COPY constraints.txt pyproject.toml README.md ./
COPY exporter exporter
# Compiled here: whoever runs it must not write, and a command without bytecode takes three times as long.
RUN /opt/exporter/bin/pip install --no-cache-dir -c constraints.txt '.[postgres]' \
 && /opt/exporter/bin/pip uninstall --yes pip setuptools

FROM ${PYTHON}
LABEL org.opencontainers.image.title="error-budget-exporter" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.description="Exact multi-window burn rates and error budgets for Prometheus, with policy tiers"
COPY --from=build /opt/exporter /opt/exporter
# Empty, and of the user's: a new volume takes both over.
COPY --from=build --chown=65532:65532 /var/lib/error-budget-exporter /var/lib/error-budget-exporter
# Pipelines that run the image by its name, or a command of its in a shell, find it.
ENV PATH=/opt/exporter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 65532:65532
VOLUME ["/var/lib/error-budget-exporter"]
EXPOSE 9098
# Exec forms throughout: nothing at run time needs a shell.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/opt/exporter/bin/error-budget-exporter", "healthcheck", "--find"]
ENTRYPOINT ["/opt/exporter/bin/error-budget-exporter"]
CMD ["run", "--config.file=/etc/error-budget-exporter/config.yaml", "--storage.path=/var/lib/error-budget-exporter"]
