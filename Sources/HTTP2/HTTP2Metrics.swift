// Every metric of the transport, declared once.
