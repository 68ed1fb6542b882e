# The server with its embedded model: `docker build .`. The target `cuda` brings the libraries for NVIDIA GPUs; the bundle
# for one is made by `make export ARGS="--precision fp16"` and mounted (docs/gpu.md).
# What changes least is copied first, so that a change of the server's code rebuilds in seconds.

ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/precis
COPY pyproject.toml LICENSE NOTICE ./
COPY requirements/constraints.txt requirements/
COPY client client

# The root's packages are not here yet: installing it now brings what its extra needs, and nothing else.
FROM build AS build-cpu
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/precis/bin/python install -c requirements/constraints.txt ./client '.[server]'

FROM build AS build-cuda
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/precis/bin/python install -c requirements/constraints.txt ./client '.[gpu]'

FROM build AS build-loadtest
RUN --mount=type=cache,target=/root/.cache/pip \
    pip --python /opt/precis/bin/python install -c requirements/constraints.txt ./client '.[loadtest]'

FROM ${PYTHON_IMAGE} AS base
RUN useradd --uid 1000 --user-group --no-create-home --shell /usr/sbin/nologin precis
# ONNX Runtime's wheels report their use to their maker unless told not to.
# A container is reached from outside itself; what is published of it is for whoever runs it to say.
ENV PATH=/opt/precis/bin:$PATH PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1 PRECIS_HOST=[::]
WORKDIR /app

FROM base AS app
COPY LICENSE NOTICE ./
COPY bundle bundle
COPY server server
RUN python -m compileall -q bundle server

FROM base AS loadtest
COPY --from=build-loadtest /opt/precis /opt/precis
RUN install -d -o precis -g precis build
COPY examples examples
COPY tests/data tests/data
COPY loadtest loadtest
USER 1000
EXPOSE 8089 5557
ENTRYPOINT ["python", "-m", "loadtest"]

FROM base AS serving
COPY models/default/bundle-cpu-int8 models/default/bundle-cpu-int8
USER 1000
EXPOSE 50051 9090
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["precis", "health"]
ENTRYPOINT ["python", "-m", "server"]

FROM serving AS cuda
# Whoever takes this image wants a GPU: to have none is a fall-back, and told as one.
ENV LD_LIBRARY_PATH=/opt/precis/lib/python3.11/site-packages/nvidia/cu13/lib:/opt/precis/lib/python3.11/site-packages/nvidia/cudnn/lib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility PRECIS_PROVIDER=cuda
# Steps are captured before the server is ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 CMD ["precis", "health"]
COPY --from=build-cuda /opt/precis /opt/precis
COPY --from=app /app /app

# The last stage is what `docker build .` makes.
FROM serving AS cpu
COPY --from=build-cpu /opt/precis /opt/precis
COPY --from=app /app /app
