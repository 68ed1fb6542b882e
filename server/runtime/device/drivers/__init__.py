"""What is asked of a device, and the devices that answer: CUDA, and ordinary memory."""
