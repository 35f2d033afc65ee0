output "key_arns" {
  description = "KMS keys by purpose: data, images, cluster, logs, alerts, audit."
  value       = { for purpose, key in aws_kms_key.this : purpose => key.arn }
}

output "trail_log_group" {
  description = "Log group of the trail."
  value       = aws_cloudwatch_log_group.trail.name
}
