output "database" {
  description = "Glue database."
  value       = aws_glue_catalog_database.this.name
}

output "job" {
  description = "Glue job that takes in till files."
  value       = aws_glue_job.ingest.name
}

output "workgroup" {
  description = "Athena workgroup."
  value       = aws_athena_workgroup.this.name
}

output "named_queries" {
  description = "Ids of the statements that make the views, by name, which sorts them."
  value       = { for name, query in aws_athena_named_query.view : name => query.id }
}
