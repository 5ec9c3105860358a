# The page in a container; docs/deploy.md says how to build and run it.
FROM python:3.11-slim
# Where torch comes from: by default a build for CPUs, a tenth of the size; empty for the default index, with CUDA.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --no-deps ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$(grep ^torch== requirements.txt)"
RUN pip install --no-cache-dir -r requirements.txt
COPY --chown=1000 . .
RUN python -c "from pixelcnn import complete, load; complete(load())"
# An unprivileged user without a password entry, for whom only /tmp has to be writable: caches are there as well.
USER 1000
ENV USER=pixelcnn HOME=/tmp HF_HOME=/tmp/huggingface TRITON_HOME=/tmp PYTHONDONTWRITEBYTECODE=1
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
HEALTHCHECK CMD python -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/ready', timeout=5)"
CMD ["python", "app.py"]
