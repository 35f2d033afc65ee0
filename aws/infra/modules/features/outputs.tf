output "table" {
  description = "Online features."
  value       = aws_dynamodb_table.online.name
}

output "table_arn" {
  description = "ARN of the online features."
  value       = aws_dynamodb_table.online.arn
}

output "groups" {
  description = "SageMaker feature groups by group."
  value       = { for group, made in aws_sagemaker_feature_group.this : group => made.feature_group_name }
}
