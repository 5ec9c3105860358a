# The page in a container; docs/deploy.md says how to build and run it.
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
RUN python -c "from pixelcnn import complete, load; complete(load())"
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860
EXPOSE 7860
HEALTHCHECK CMD python -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/ready', timeout=5)"
CMD ["python", "app.py"]
