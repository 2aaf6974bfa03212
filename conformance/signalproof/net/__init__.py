"""HTTP, Socket.IO and WebRTC to the target: the only room that imports their libraries."""
