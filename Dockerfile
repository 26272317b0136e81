# A Python release on a Debian release; the digest is that of the index of all architectures. Both are
# renewed by renovate.json, for fixes of Debian's and Python's come without a new tag, too.
ARG PYTHON=docker.io/library/python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON} AS build
WORKDIR /src
RUN python3 -m venv /opt/exporter \
 && mkdir /var/lib/error-budget-exporter
# What changes seldom first: a layer that is built once. Each file is the one whose hash is known.
COPY constraints-image.txt ./
RUN /opt/exporter/bin/pip install --no-cache-dir --no-deps --require-hashes -r constraints-image.txt
COPY pyproject.toml README.md ./
COPY exporter exporter
# Compiled here: whoever runs it must not write, and a command without bytecode takes three times as long.
RUN /opt/exporter/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/exporter/bin/pip uninstall --yes setuptools pip

FROM ${PYTHON}
# Nothing is installed at run time: what could do it goes, the base's included. Python's own modules are compiled, too,
# which the base leaves to the first who may write.
RUN find /usr -depth \( -path '*-packages/pip*' -o -path '*-packages/setuptools*' -o -path '*-packages/pkg_resources*' \
      -o -path '*-packages/wheel*' -o -path '*/python3*/ensurepip*' -o -path '*/python-wheels/*' -o -path '*/bin/pip*' \) -delete \
 && python3 -m compileall -q -x '/(test|idlelib|tkinter|turtledemo|lib2to3)/' \
      "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/exporter /opt/exporter
# Empty, and of the user's: a new volume takes both over.
COPY --from=build --chown=65532:65532 /var/lib/error-budget-exporter /var/lib/error-budget-exporter
# Pipelines that run the image by its name, or a command of its in a shell, find it.
ENV PATH=/opt/exporter/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# What `make image` tells; last, since they change with every commit.
ARG SOURCE=""
ARG REVISION=""
ARG CREATED=""
ARG VERSION=""
LABEL org.opencontainers.image.title="error-budget-exporter" \
      org.opencontainers.image.description="Exact multi-window burn rates and error budgets for Prometheus, with policy tiers" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.version="${VERSION}"
USER 65532:65532
VOLUME ["/var/lib/error-budget-exporter"]
EXPOSE 9098
# Exec forms throughout: nothing at run time needs a shell.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/opt/exporter/bin/error-budget-exporter", "healthcheck", "--find"]
ENTRYPOINT ["/opt/exporter/bin/error-budget-exporter"]
CMD ["run", "--config.file=/etc/error-budget-exporter/config.yaml", "--storage.path=/var/lib/error-budget-exporter"]
