output "file_system_id" {
  description = "File system of the workspace, once it can be mounted."
  value       = aws_efs_file_system.this.id

  depends_on = [aws_efs_mount_target.this]
}
